{% macro quoted(name) %}
    {#- An identifier whose case is kept. -#}
    {{- return(adapter.dispatch("quoted")(name)) -}}
{% endmacro %}

{% macro duckdb__quoted(name) %} "{{ name }}" {% endmacro %}

{% macro spark__quoted(name) %} `{{ name }}` {% endmacro %}
