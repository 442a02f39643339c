"""Training: the step, the loop, optimizers, backups, strategies."""
