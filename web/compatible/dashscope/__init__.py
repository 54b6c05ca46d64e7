"""DashScope's shape: a task is begun for a recording that was uploaded, and asked for."""

from web.compatible.dashscope.views import blueprint

__all__ = ["blueprint"]
