package config

import "strings"

// nearest returns the candidate that word was probably meant to be; "" if none is near.
func nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, least := "", 3
	for _, c := range candidates {
		// A short word is near to too many others: let one slip in three letters pass.
		d := distance(word, strings.ToLower(c))
		if d < least && d <= max(1, len(c)/3) {
			best, least = c, d
		}
	}
	return best
}

// distance counts the slips between two words: a letter too many, too few, wrong, or swapped with its neighbour
// (optimal string alignment). Far longer words count as far, so that the cost is bounded.
func distance(a, b string) int {
	const far = 64
	if len(a) > far || len(b) > far {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// orList writes words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Nearest returns the candidate that a person probably meant by word; "" if none is near.
func Nearest(word string, candidates []string) string { return nearest(word, candidates) }
