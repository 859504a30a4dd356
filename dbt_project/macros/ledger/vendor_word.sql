{% macro vendor_word(name) %}
    {#-
        A vendor's name as its first word in lower case, so that "Google Cloud" and "Google Cloud EMEA Limited"
        are one vendor, and AWS one whatever its seller of record. NULL where there is no name.
    -#}
    case
        when lower(trim({{ name }})) like 'amazon%' or lower(trim({{ name }})) like 'aws%'
        then 'aws'
        else {{ regex_group("lower(trim(" ~ name ~ "))", "^([^ ,.]+)", 1) }}
    end
{% endmacro %}
