package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
)

//go:embed style.css live.js icon.svg
var assetFiles embed.FS

// asset is one embedded file with the start of its digest, which its address
// carries, so that browsers may keep it for ever.
type asset struct {
	body   []byte
	kind   string
	digest string
}

func loadAssets() (map[string]asset, error) {
	kinds := map[string]string{
		"style.css": "text/css; charset=utf-8",
		"live.js":   "text/javascript; charset=utf-8",
		"icon.svg":  "image/svg+xml",
	}
	assets := make(map[string]asset, len(kinds))
	for name, kind := range kinds {
		body, err := assetFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("start the dashboard: read embedded %s: %w", name, err)
		}
		sum := sha256.Sum256(body)
		assets[name] = asset{body: body, kind: kind, digest: hex.EncodeToString(sum[:6])}
	}
	return assets, nil
}

// assetPath is the address of an asset in a page.
func (s *server) assetPath(name string) string {
	return "/assets/" + name + "?" + s.assets[name].digest
}

func (s *server) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.assets[r.PathValue("name")]
	if !ok {
		s.fail(w, r, http.StatusNotFound, "There is no such file.")
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if r.URL.RawQuery == a.digest {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	s.write(w, r, a.body)
}
