{{ llm_charge_select(ref("int_openrouter_costs__parsed"), "openrouter", "OpenRouter", "Workspace") }}
