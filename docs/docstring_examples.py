"""Griffe extension: a docstring's section "Example:" is read as "Examples:", as code."""

from griffe import Extension


class ExampleSections(Extension):
    """Google style allows both words; Griffe's parser takes the second alone as code."""

    def on_instance(self, *, obj, **kwargs):
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace(
                '\nExample:\n', '\nExamples:\n'
            )
