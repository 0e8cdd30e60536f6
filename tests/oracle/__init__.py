"""Golden hook sequences recorded from the real package, and Leyden held against them.

``python -m tests.oracle.record`` writes them down, ``--check`` runs the real package against them, and
``--against leyden`` runs Leyden against them and prints where it differs. Names of scenarios narrow all of it
down.
"""
