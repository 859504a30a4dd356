"""`python -m orchestration …` is `costowner …`."""

from orchestration.cli.main import run

if __name__ == "__main__":
    run()
