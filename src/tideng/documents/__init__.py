"""What people take away: PDF by typst, charts as SVG, pages that stand alone. Products bring the content."""
