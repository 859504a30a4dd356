{{ llm_charge_select(ref("int_openai_costs__parsed"), "openai", "OpenAI", "Project", entities=true) }}
