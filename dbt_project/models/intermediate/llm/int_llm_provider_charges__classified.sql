{{
    llm_charge_select(
        ref("int_llm_provider_costs__parsed"), "llm_costs", "issuer", "Project", provider="provider"
    )
}}
