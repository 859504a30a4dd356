{{ config(materialized="view", meta={"parquet": "by_month"}) }} {{ focus_select("1.4") }}
