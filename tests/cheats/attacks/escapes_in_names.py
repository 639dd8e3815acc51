# outcome: error
# says: script
# problem: script
class Sneaky(Exception):
    pass


Sneaky.__name__ = "\x1b]0;owned\x07<script>alert(1)</script>"
# %%
raise Sneaky("\x1b[2J\x1b[31m<script>alert(document.cookie)</script>\u202e")


# %%
def double(numbers):
    raise Sneaky("\x1b[2J<script>alert(document.cookie)</script>")
