"""Elements: what an SMS account, its signature and its kind are called by, and how they are loaded."""

from smsjobs_worker.elements.app import App
from smsjobs_worker.elements.element import LoadedElement, loaded
from smsjobs_worker.elements.layers import GROUP
from smsjobs_worker.elements.loading import Loader
from smsjobs_worker.elements.node import Node
from smsjobs_worker.elements.problems import Broken, Problem

__all__ = ["GROUP", "App", "Broken", "LoadedElement", "Loader", "Node", "Problem", "loaded"]
