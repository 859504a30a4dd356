{{
    llm_charge_select(
        ref("int_anthropic_costs__keyed"), "anthropic", "Anthropic", "Workspace", entities=true
    )
}}
