{% macro text_before_last(column, separator) %}
    {#- The text before the last separator; the whole text where there is none. -#}
    case
        when instr({{ column }}, '{{ separator }}') = 0
        then {{ column }}
        else
            left(
                {{ column }},
                length({{ column }})
                - instr(reverse({{ column }}), reverse('{{ separator }}'))
                - length('{{ separator }}')
                + 1
            )
    end
{% endmacro %}

{% macro text_after_last(column, separator) %}
    {#- The text after the last separator; NULL where there is none. -#}
    case
        when instr({{ column }}, '{{ separator }}') = 0
        then null
        else right({{ column }}, instr(reverse({{ column }}), reverse('{{ separator }}')) - 1)
    end
{% endmacro %}
