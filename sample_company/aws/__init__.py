"""AWS as the sample company sees it: the lines of its bill, and every export format that AWS has."""
