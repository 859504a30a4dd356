{% macro utc_instant(column) %}
    {#- A timestamp that is in UTC by convention as an instant with its zone. -#}
    timezone('UTC', {{ column }})
{% endmacro %}

{% macro quoted(name) %}
    {#- An identifier whose case is kept. -#}
    "{{ name }}"
{% endmacro %}
