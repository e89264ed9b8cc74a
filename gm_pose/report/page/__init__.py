"""The report as one HTML file: Jinja2 for the page, Plotly for the charts."""
