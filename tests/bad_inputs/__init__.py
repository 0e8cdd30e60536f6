"""Bad inputs, and what an error about each of them must say.

The catalogue is data over a namespace: the same programs run against Leyden (``test_bad_inputs.py``) and
against any package with Lightning's names (``python -m tests.bad_inputs.survey pytorch_lightning``). A file
of cases is one kind of input; ``tiny.py`` holds the good program from which each of them departs in one
place, and every file ends in controls: programs of the same making with nothing wrong, which must run.
"""
