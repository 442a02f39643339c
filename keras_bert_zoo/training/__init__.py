"""Optimizers and schedules for fine-tuning."""
