"""Callbacks: an exact backup of a training run, its log, and a watch over generated samples."""

from .backup import Backup as Backup
from .log import TrainingLog as TrainingLog
from .log import read_log as read_log
from .progress import Progress as Progress
from .samples import SampleMonitor as SampleMonitor
