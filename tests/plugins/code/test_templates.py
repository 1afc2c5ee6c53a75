"""Chat templates: ordinary ones are silent, whatever leaves their data is told."""

from __future__ import annotations

import jinja2
import jinja2.sandbox
import pytest

from modlint_plugins.code import examine
from modlint_plugins.code.templates import examine_template

CHATML = """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
TOOLS = """{{- bos_token }}{%- set ns = namespace(index=0, found=false, last=messages|length - 1) %}
{%- if not date_string is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- endif %}
{%- if tools is not none and tools|length > 0 %}
{%- for tool in tools %}{{ tool | tojson(indent=4) }}{{ "\\n\\n" }}{%- endfor %}{%- endif %}
{%- for message in messages %}
{%- if (message['role'] == 'user') != (ns.index % 2 == 0) %}
{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif %}{%- set ns.index = ns.index + 1 %}
{%- if message.tool_calls is defined and message.tool_calls %}
{%- for tool_call in message.tool_calls %}{%- set tool_call = tool_call.function %}
{{- '<tool_call>\\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
{%- for key, value in tool_call.arguments.items() %}{{ key }}={{ value }}{% endfor %}{{- '}' }}
{%- endfor %}
{%- elif message.content is string %}
{%- set content = message.content.split('</think>')[-1].lstrip('\\n').strip() %}
{{- content.replace('_', ' ') | trim | upper }}
{%- else %}{{- message.content | selectattr('type', 'equalto', 'text')
   | map(attribute='text') | join(joiner(', ')()) }}
{%- endif %}{%- endfor %}{%- if loop is defined %}{{ loop.index0 }}{% endif %}"""
MACROS = """{# x.__class__ stands in a comment #}{% raw %}{{ x.__globals__ }}{% endraw %}
{%- macro render(properties, required, depth=0) -%}
{%- for name, fields in properties | dictsort %}{% if name in required %}*{% endif %}
{{ name }}: {{ fields['type'] }}
{%- endfor %}{%- endmacro -%}
{{ render({'a': {'type': "string}}"}}, ['a']) }}{{ "{{" }}{{ messages[::-1][:2] | length }}
{%- set role_of = {'user': 'U'} %}{{ role_of[messages[0]['role']] }}{{ role_of['us' 'er'] }}
{%- set last = messages[messages|length - 1] %}{{ messages[loop_index + 1 if x else 0] }}
{{ last.content[last.content.find('</think>') + '</think>'|length:] }}{% set y = 'a' ~ 'b' %}
{{ role_of[last.role|lower] }}{{ messages[(x + 2) % 3] }}{% set key = 'role' %}{{ last[key] }}
{%- set system = messages | selectattr('role', 'in', ['system', 'developer']) | list | first -%}
{{ "%s: %s" | format('a', 'b') }} text with __dunder__ outside of any block"""
ORDINARY = [CHATML, TOOLS, MACROS, "no template", "{{", "{% for", "{{ 'a", ""]
HOSTILE = [
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    '{{ ""["\\x5f\\x5fclass\\x5f\\x5f"] }}',
    '{{ ""["\\u005f_class__"] }}',
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['__' + 'class' + '__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr(x) }}",
    "{{ '' | attr (x) }}",
    "{{ messages|map(attribute='__class__') }}",
    "{{ messages|map(attribute='a.__init__.b') }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ cycler.__init__.__globals__.os.popen('id') }}",
    "{{ joiner.__init__ }}",
    "{{ namespace.__init__ }}",
    "{% set x = raise_exception.__globals__ %}",
    "{%- if x.popen('id') -%}{% endif %}",
    "{# {{ #}{{ x.__class__ }}",
    "{% raw %}{% endraw %}{{ x.__class__ }}",
    "{{ '}}' }}{{ x.__class__ }}",
    "{{ {'a': {'b': 1}}.a.__class__ }}",
    "{{- 'a' if x.__class__ else 'b' -}}",
    "{% include x %}",
    "{% import 'x' as y %}",
    "{{ x.\n__class__ }}",
    "{{ x.gi_frame }}",
    "{{ (x\n|\nattr)('y') }}",
    "{{ ''['_'*2+'class'+'_'*2] }}",
    "{{ x['po'+'pen']('id') }}",
    "{{ x['po' ~ 'pen'] }}",
    "{{ x[['po', 'pen']|join] }}",
    "{{ x[dict(po=1, pen=1)|join] }}",
    "{{ x['%sclass%s'|format(y, y)] }}",
    "{{ x['%cclass' % 95] }}",
    "{{ x['nepop'[::-1]] }}",
    "{{ x['nepop'|reverse] }}",
    "{{ x['POPEN'.lower()] }}",
    "{{ x['{}'.format(y)] }}",
    "{% set a = '_' * 2 %}{% set b = a ~ 'class' ~ a %}{{ x[b] }}",
    "{% set n = namespace(a='') %}{% set n.a = '_' ~ 'x' %}{{ x[n.a] }}",
    "{% set n = namespace(a='p' ~ 'q') %}{{ x[n.a] }}",
    "{% set a = 'po' %}{% set b = 'pen' %}{{ x[a + b] }}",
    "{% for a in ['po' ~ 'pen'] %}{{ x[a] }}{% endfor %}",
    "{% set a %}po{{ 'pen' }}{% endset %}{{ x[a] }}",
    "{% macro m(a) %}{{ x[a] }}{% endmacro %}{{ m('po' ~ 'pen') }}",
    "{% with a = 'po' ~ 'pen' %}{{ x[a] }}{% endwith %}",
    "{{ [x]|map(attribute='po' ~ 'pen')|list }}",
    "{{ [x]|map('attr', y)|list }}",
    "{{ [x]|selectattr('po' ~ 'pen')|list }}",
    "{{ ('{0.' ~ y ~ '}').format(x) }}",
]


@pytest.mark.parametrize("template", ORDINARY)
def test_an_ordinary_template_is_silent(template: str) -> None:
    assert list(examine_template(template, "chat_template")) == []


@pytest.mark.parametrize("template", [CHATML, TOOLS, MACROS])
def test_the_ordinary_ones_are_templates(template: str) -> None:
    jinja2.sandbox.ImmutableSandboxedEnvironment().from_string(template)


@pytest.mark.parametrize("template", HOSTILE)
def test_reaching_beyond_the_data_is_told(template: str) -> None:
    (remark,) = examine_template(template, "chat_template")

    assert remark.kind == "acting-template"
    assert remark.message.startswith("chat_template is a template that reaches beyond its data: ")


def test_a_template_by_its_name_may_hold_any_character() -> None:
    text = b"{# \x01 #}{{ cycler.__init__.__globals__ }}"
    for name in ("chat_template.jinja", "x/chat_template", "chat_template.txt", "rag.j2"):
        (remark,) = examine(memoryview(text), name, ())
        assert remark.kind == "acting-template"


def test_a_huge_template_is_not_called_clean() -> None:
    (remark,) = examine_template("{{ x }}" * 50_000, "chat_template")

    assert remark.kind == "unexamined-code"


@pytest.mark.parametrize(
    "unit",
    [
        "{{",
        "{%",
        "{#",
        "'",
        "{{ '",
        "{% raw %}",
        "{{ x.",
        "{{ {",
        "}",
        "{{ '\\'",
        "\\'",
        "{{ 'a'+'b' }}",
        "{{ x[",
        "{{ x|map(",
    ],
)
def test_takes_linear_time(unit: str) -> None:
    list(examine_template(unit * (250_000 // len(unit)), "chat_template"))
