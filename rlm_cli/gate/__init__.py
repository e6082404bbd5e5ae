"""Which findings of a run count: the baseline, suppressions, changed lines and confidence."""
