"""Hidden checks of lab 07: a seeded shop against a model in plain Python, and bugs that nobody saw."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from labkit.checks import assert_frame, check
