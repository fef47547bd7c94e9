"""The board pack and the accessible workbook of a release, made from its shareable files alone.

Here: reading published figures, drawing and describing them, pages and sheets. Not here: any statistic; every
number is in a mart. The one trap: nothing may be read but `parquet/` of one release. A page that
took a figure from the warehouse or from `restricted/` would publish what disclosure control withheld.
"""
