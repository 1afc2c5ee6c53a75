"""From codes and scales to the values that they stand for, a bounded number of rows at a time."""
