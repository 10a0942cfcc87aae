package kaleidoscope_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

func TestCACertificatesMayBeInMemory(t *testing.T) {
	path := t.TempDir() + "/ca.pem"
	server := startEmulator(t, "--tls", "--ca-out", path)
	text, err := os.ReadFile(path)
	must(t, err)
	client := server.open(func(o *kaleidoscope.Options) { o.CABundlePEM = string(text) })
	_, err = client.Workspace().Get(ctx)
	must(t, err)
}

func TestAClientCertificateIsPresented(t *testing.T) {
	certificate, key := newCertificate(t)
	folder := t.TempDir()
	must(t, os.WriteFile(folder+"/certificate.pem", certificate, 0o600))
	must(t, os.WriteFile(folder+"/key.pem", key, 0o600))
	presented := make(chan []byte, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		presented <- request.TLS.PeerCertificates[0].Raw
		answer.WriteHeader(http.StatusBadRequest)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	block, _ := pem.Decode(certificate)
	for how, set := range map[string]func(*kaleidoscope.Options){
		"in files": func(o *kaleidoscope.Options) {
			o.ClientCertificate, o.ClientKey = folder+"/certificate.pem", folder+"/key.pem"
		},
		"in memory": func(o *kaleidoscope.Options) {
			o.ClientCertificatePEM, o.ClientKeyPEM = string(certificate), string(key)
		},
	} {
		options := &kaleidoscope.Options{
			BaseURL: server.URL, ClientID: "i", ClientSecret: "s", MaxAttempts: 1, InsecureTLS: true}
		set(options)
		client, err := kaleidoscope.Open(options)
		must(t, err)
		_, err = client.Workspace().Get(ctx)
		isStatus(t, err, kaleidoscope.ErrAuthFailed)
		equal(t, "the certificate "+how, string(<-presented), string(block.Bytes))
		must(t, client.Close())
	}
}

// newCertificate returns a certificate and its private key as PEM.
func newCertificate(t testing.TB) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
