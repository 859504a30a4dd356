{{ llm_charge_select(ref("int_anthropic_costs__parsed"), "anthropic", "Anthropic", "Workspace") }}
