"""Language models in the sample company: its requests, the gateway's logs of them, the providers' reports."""
