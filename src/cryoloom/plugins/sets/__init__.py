"""Operations on sets of items: filter, choose classes. Each gives what it kept and what it rejected."""
