"""Of what programs write when they fail, the words that tell are found."""

from cryoloom.runner.last_words import errors, skipped, telling

BARS = '000/??? sec ~~(,_,">          [oo]\r0/   0 sec ~~(,_,">\r   0.5/  1.2 min ...........~~(,_,">\n'
FRAMES = """in: /build/relion/src/image.h, line 1234
=== Backtrace  ===
/usr/bin/relion_preprocess(_ZN11RelionErrorC1+0x7c) [0x55d61f7a5c2c]
/lib/x86_64-linux-gnu/libc.so.6(+0x2724a) [0x7f3922a4524a]
/usr/bin/relion_preprocess(_start+0x21) [0x55d61f7a1801]
==================
ERROR:
Cannot read file MotionCorr/job002/Movies/a.mrc It does not exist
"""
MPI = """--------------------------------------------------------------------------
Primary job  terminated normally, but 1 process returned
a non-zero exit code. Per user-direction, the job has been aborted.
--------------------------------------------------------------------------
mpirun noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed).
--------------------------------------------------------------------------
"""


def test_an_error_of_relion_is_told_without_its_stack() -> None:
    assert telling(FRAMES) == "Cannot read file MotionCorr/job002/Movies/a.mrc It does not exist"
    assert telling(BARS + " ERROR: no particles in p.star\n") == "no particles in p.star"


def test_the_rank_that_was_killed_is_named() -> None:
    assert telling(BARS + MPI) == "rank 1 was killed by signal 9"


ABORT = """Warning: there are few particles
ERROR:
Preprocessing::extract ERROR: particle1 lies completely outside micrograph a.mrc
--------------------------------------------------------------------------
MPI_ABORT was invoked on rank 0 in communicator MPI_COMM_WORLD
with errorcode 1.

NOTE: invoking MPI_ABORT causes Open MPI to kill all MPI processes.
You may or may not see output from other processes, depending on
exactly when Open MPI kills them.
--------------------------------------------------------------------------
"""


def test_under_mpi_relions_own_error_is_told_and_not_open_mpis_farewell() -> None:
    assert (
        telling(ABORT) == "Preprocessing::extract ERROR: particle1 lies completely outside micrograph a.mrc"
    )


def test_what_relion_passed_over_is_a_reason_though_it_ends_well() -> None:
    text = "Skipped Movies/job001/m_0.mrc: too few frames (2 < 3) after grouping . Probably the movie is truncated.\n"

    assert skipped(text) == "too few frames (2 < 3) after grouping. Probably the movie is truncated."
    assert skipped(BARS + FRAMES) == ""


def test_without_an_error_the_last_line_that_says_something_counts() -> None:
    text = "Estimating accuracies\n" + BARS + "=====\n"
    assert telling(text) == "Estimating accuracies"
    assert errors(text) == ""
    assert telling(BARS) == telling("") == ""


def test_the_list_of_all_options_is_not_what_a_program_has_to_say() -> None:
    text = """in: ./src/helix.cpp, line 842
ERROR:
helix.cpp::check(): Outer tube diameter should be less than half the box size!
+++ RELION: command line arguments (with defaults for optional ones between parentheses) +++
====== Show usage =====
            --function_help (false) : Show usage for the selected function (FEB 19, 2017)
====== List of functions (alphabetically ordered) =====
                    --check (false) : Check parameters for 3D helical reconstruction in RELION
                  --i (file.in) : Input file
                          --version : Print RELION version and exit
"""
    assert telling(text) == "helix.cpp::check(): Outer tube diameter should be less than half the box size!"
