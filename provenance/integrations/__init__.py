"""Puts the pipeline into what generates pictures: functions, frameworks, servers."""
