"""The assets: raw tables a source, the ledger's dbt models, and the publication."""

import warnings

import dagster as dg

# Freshness policies for all specs (preview) and code references (beta): the lock file pins the version that has them.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)
