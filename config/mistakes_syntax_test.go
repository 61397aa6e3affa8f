package config

import "testing"

func TestReportsTextThatIsNoYAML(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an empty file",
			new:  "\n",
			want: "1:1: the file is empty; write at least region, mode and one pool (rrwatch.example.yaml explains every key)",
		},
		{
			name: "only comments",
			new:  "# nothing\n",
			want: "1:1: the file is empty; write at least region, mode and one pool (rrwatch.example.yaml explains every key)",
		},
		{
			name: "only a beginning",
			new:  "---\n",
			want: "1:1: the file is empty; write at least region, mode and one pool (rrwatch.example.yaml explains every key)",
		},
		{
			name: "a second document",
			new:  "a: 1\n---\nb: 2\n",
			want: "2:1: a second document begins here; rrwatch reads one: remove it, and the line --- or ... before it",
		},
		{
			name: "a list",
			new:  "- a\n- b",
			want: "1:1: wants keys and their values, such as name: www, not a list",
		},
	} {
		m.run(t)
	}
}

func TestReportsSyntaxErrors(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a quote that is not closed",
			old:  "eu-central-1",
			new:  `"eu-central`,
			want: "9:1: is not valid YAML: found unexpected end of stream, while scanning a quoted scalar that begins at 1:9; a quote is not closed, or the file was saved half-written",
		},
		{
			name: "a half-written file",
			new:  "region: eu-central-1\nmode: observe\npools:\n  - name: www\n    rec",
			want: "6:1: is not valid YAML: could not find expected ':', while scanning a simple key that begins at 5:5; compare the indentation with the lines above; the file may be half-written",
		},
		{
			name: "a half-written list",
			new:  "region: eu-central-1\npools: [{name: www,",
			want: "3:1: is not valid YAML: did not find expected node content; compare the indentation with the lines above; the file may be half-written",
		},
		{
			name: "a tab",
			old:  "  - name",
			new:  "\t- name",
			want: "4:1: is not valid YAML: found character that cannot start any token; indent with spaces, not tabs, and quote a value that begins with @, ` or %",
		},
		{
			name: "a bad indentation",
			old:  "    record",
			new:  "   record",
			want: "5:4: is not valid YAML: did not find expected '-' indicator, while parsing a block collection that begins at 4:3; compare the indentation with the lines above; the file may be half-written",
		},
		{
			name: "a colon in a value",
			old:  "eu-central-1",
			new:  "a: b",
			want: "1:10: is not valid YAML: mapping values are not allowed in this context; indent the line as its neighbours are, or quote a value that holds a colon and a space",
		},
		{
			name: "an unknown anchor",
			old:  "eu-central-1",
			new:  "*x",
			want: "1:9: is not valid YAML: unknown anchor 'x' referenced; write the anchor (&name) above its first use (*name)",
		},
		{
			name: "a variable in brackets",
			old:  "mode: observe",
			new:  "mode: observe\nreferences: [${REF}]",
			want: "3:15: is not valid YAML: did not find expected ',' or ']', while parsing a flow sequence that begins at 3:13; close the bracket, and quote ${NAME} inside of brackets",
		},
		{
			name: "a control character",
			old:  "eu-central-1",
			new:  "eu\x00",
			want: "1:11: holds the control character U+0000; remove it; is this a text file?",
		},
		{
			name: "no UTF-8",
			old:  "eu-central-1",
			new:  "eu\xff",
			want: "1:11: is not UTF-8 text; save the file as UTF-8",
		},
	} {
		m.run(t)
	}
}
