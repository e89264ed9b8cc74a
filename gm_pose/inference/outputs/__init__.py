"""What a prediction leaves behind: results, tables, pictures, videos."""
