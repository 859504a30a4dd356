{% macro md5_key(expressions) %}
    {#- A key of 32 hexadecimal digits over some expressions; NULL is told apart from the empty text. -#}
    md5(
        concat_ws(
            '|'
            {% for expression in expressions %}, coalesce(cast({{ expression }} as string), '~'){% endfor %}
        )
    )
{% endmacro %}
