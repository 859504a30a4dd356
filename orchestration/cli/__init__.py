"""The command `costowner`. `main.py` lists what it does; each other module is one command's work."""
