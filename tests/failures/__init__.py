"""What is left of a run that failed, for every hook, in every stage, with every kind of error."""
