# outcome: error
# problem: input
input("Which grade may I have?")


# %%
def double(numbers):
    return input("And for this?")
