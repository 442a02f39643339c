"""A page on a training run, in one file that needs nothing else."""

from keras_bert_zoo.reporting.report import Report
from keras_bert_zoo.reporting.report import write_report

__all__ = ["Report", "write_report"]
