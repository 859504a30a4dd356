{{ config(materialized="view", meta={"parquet": false}) }} {{ focus_select("1.3") }}
