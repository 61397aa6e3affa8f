package probe

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
)

// looked hands a whole head to look, with the body as it comes.
func (w *httpProbe) looked(ctx context.Context, head *head, stream net.Conn, request *http.Request) Answer {
	source := &source{stream: io.MultiReader(bytes.NewReader(head.buf), stream)}
	response, err := http.ReadResponse(bufio.NewReader(source), request)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	found, err := w.look(response, response.Body)
	source.over = true // else Close reads all that the other side still sends
	_ = response.Body.Close()
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	a := w.judged(found.Verdict, found.Reason, clip(found.Detail))
	a.Warning = clip(found.Warning)
	return a
}
