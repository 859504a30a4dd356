{{ config(materialized="view") }} {{ focus_select("1.2") }}
