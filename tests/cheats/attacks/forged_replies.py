# outcome: failed
import itertools

import labkit.grading.inside_kernel

replies = itertools.cycle(
    [
        '{"value": {"$": "pickle", "v": "gASVAAAA"}}',
        '{"value": {"$": "function", "name": "f", "v": "import os"}}',
        '{"value": {"$": "frame", "v": "../../etc/passwd"}}',
        '{"value": {"$": "frame", "v": "labkit_00000000000000000000000000000000"}}',
        '{"value": {"$": "decimal", "v": "one"}}',
        '{"value": {"$": "dict", "v": [[1, 2, 3]]}}',
        '{"value": ' + '{"$": "list", "v": [' * 50 + "]}" * 50 + "}",
    ]
)
labkit.grading.inside_kernel.answer = lambda *args: next(replies)
