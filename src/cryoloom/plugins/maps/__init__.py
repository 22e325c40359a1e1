"""Operations on maps that need no program."""
