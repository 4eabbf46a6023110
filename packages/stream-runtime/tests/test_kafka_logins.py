"""Certificates and logins at a real broker with TLS, and the errors of wrong ones."""

import base64
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sample import Source
from stream_devkit.servers.kafka import Broker
from stream_devkit.servers.server import HOST, free_ports
from stream_runtime.errors import SetupError
from stream_runtime.kafka import require_topics

from tests import sparks

TOPIC = "events"
NO_PATH = "SSL handshake failed: .*unable to find valid certification path"
AWKWARD = 's3cr"et\\'
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
OAUTH = "org.apache.kafka.common.security.oauthbearer"
PROPERTIES = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{spare},SSL://{host}:{ssl},SASL_SSL://{host}:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.crt
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,OAUTHBEARER
listener.name.sasl_ssl.plain.sasl.jaas.config={plain} required user_job="plain";
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config={oauth}.OAuthBearerLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class={oauth}.OAuthBearerValidatorCallbackHandler
sasl.oauthbearer.jwks.endpoint.url=file://{folder}/keys.json
sasl.oauthbearer.expected.audience=kafka
"""


class SecureBroker(Broker):
    """A broker that also has the listeners SSL (for certificates) and SASL_SSL (for logins).

    Args:
        folder: the folder of certificates and keys.
    """

    def __init__(self, folder):
        super().__init__(folder / "broker", class_path=sparks.fetch_broker_jars())
        self._certificates = folder

    def _configure(self, spare_port):
        super()._configure(spare_port)
        self.ssl, self.sasl = free_ports(0)
        ports = {"port": self.port, "spare": spare_port, "ssl": self.ssl, "sasl": self.sasl}
        with self._configuration.open("a", encoding="utf-8") as file:
            file.write(
                PROPERTIES.format(
                    host=HOST, plain=PLAIN, oauth=OAUTH, folder=self._certificates, **ports
                )
            )

    def _command(self):
        java, *rest = super()._command()
        urls = f"file://{self._certificates}/keys.json"
        return [java, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={urls}", *rest]


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory):
    """Return a folder with a CA, a stranger's CA, and what each has signed."""
    folder = tmp_path_factory.mktemp("certificates")
    for ca, names in {"ca": ("broker", "job"), "stranger": ("intruder",)}.items():
        create_certificate(folder, ca)
        for name in names:
            create_certificate(folder, name, ca)
    # Java 17 reads no newer encryption.
    locked = ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", f"pass:{AWKWARD}")
    key = openssl(*locked, "-in", folder / "job.key")
    (folder / "locked.pem").write_bytes(key + (folder / "job.crt").read_bytes())
    modulus = openssl("rsa", "-in", folder / "ca.key", "-noout", "-modulus").decode().strip()
    numbers = {"n": encode(bytes.fromhex(modulus.partition("=")[2])), "e": "AQAB"}
    keys = [{"kty": "RSA", "alg": "RS256", "kid": "ca", **numbers}]
    (folder / "keys.json").write_text(json.dumps({"keys": keys}), "utf-8")
    return folder


def openssl(*arguments, data=b""):
    """Return the output of openssl."""
    return subprocess.run(
        ["openssl", *arguments], input=data, check=True, capture_output=True
    ).stdout


def create_certificate(folder, name, ca=""):
    """Create NAME.key, NAME.crt, and both in NAME.pem; without a CA, it is one."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    signed = ["-CA", folder / f"{ca}.crt", "-CAkey", folder / f"{ca}.key"] if ca else []
    kind = ["-addext", "basicConstraints=critical,CA:FALSE"] if ca else []
    host = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{HOST}"]
    request = ["req", "-x509", "-newkey", "rsa:2048", "-days", "2", *host, *signed, *kind]
    openssl(*request, "-nodes", "-keyout", key, "-out", certificate)
    (folder / f"{name}.pem").write_bytes(key.read_bytes() + certificate.read_bytes())


def encode(data):
    """Return bytes in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(name="broker", scope="module")
def _broker(folder):
    with SecureBroker(folder) as broker:
        broker.create_topic(TOPIC)
        yield broker


@pytest.fixture(name="token_endpoint", scope="module")
def _token_endpoint(folder):
    """Return the URL of an endpoint that gives the job a token for its client secret."""
    now = int(time.time())
    claims = {"sub": "job", "aud": "kafka", "scope": "kafka", "iat": now, "exp": now + 3600}
    parts = [{"alg": "RS256", "kid": "ca"}, claims]
    text = ".".join(encode(json.dumps(part).encode()) for part in parts)
    sign = ("dgst", "-sha256", "-sign", folder / "ca.key")
    token = f"{text}.{encode(openssl(*sign, data=text.encode()))}"
    wanted = "Basic " + base64.b64encode(f"job:{AWKWARD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            known = self.headers["Authorization"] == wanted
            answer = {"access_token": token} if known else {"error": "invalid_client"}
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            """Print nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://{HOST}:{server.server_port}/token"
        server.shutdown()


@pytest.fixture(name="way")
def _way(folder, broker, token_endpoint):
    """Return the right settings of each way to connect."""
    ca = f"file:{folder}/ca.crt"
    ssl = {
        "bootstrap_servers": f"{HOST}:{broker.ssl}",
        "security": "SSL",
        "truststore": ca,
        "keystore": f"file:{folder}/job.pem",
    }
    plain = {
        "bootstrap_servers": f"{HOST}:{broker.sasl}",
        "security": "SASL_SSL",
        "truststore": ca,
        "mechanism": "PLAIN",
        "username": "job",
        "password": "plain",
    }
    token = {"mechanism": "OAUTHBEARER", "password": AWKWARD, "token_endpoint": token_endpoint}
    locked = {"keystore": f"file:{folder}/locked.pem", "key_password": AWKWARD}
    return {
        "ssl": ssl,
        "locked": ssl | locked,
        "plain": plain,
        "token": plain | token | {"scope": "kafka"},
    }


@pytest.mark.parametrize("name", ["ssl", "locked", "plain", "token"])
def test_the_right_login_gets_in(spark, way, name):
    """Admin client, sink and source connect with the same options, which no plan shows."""
    kafka = Source(**way[name])
    record = spark.createDataFrame([(name,)], "value STRING")

    require_topics(spark, kafka, [TOPIC])
    record.write.format("kafka").options(**kafka.options()).option("topic", TOPIC).save()
    read = spark.read.format("kafka").options(**kafka.options()).option("subscribe", TOPIC).load()

    assert name in {bytes(row.value).decode() for row in read.collect()}
    plan = read._jdf.queryExecution().toString()  # noqa: SLF001 - it prints nothing
    assert "PRIVATE KEY" not in plan
    assert "Module required" not in plan


def test_the_continuous_trigger_has_the_same_login(spark, broker, way, tmp_path):
    """The readers and writers of a low-latency query connect with certificates."""
    options = Source(**way["ssl"]).options()
    broker.create_topic("copy")
    records = spark.createDataFrame([("copied",)], "value STRING")
    records.write.format("kafka").options(**options).option("topic", TOPIC).save()
    kafka = spark.readStream.format("kafka").options(**options)
    copies = kafka.option("subscribe", TOPIC).option("startingOffsets", "earliest").load()
    writer = copies.select("value").writeStream.format("kafka").options(**options)
    writer = writer.option("topic", "copy").option("checkpointLocation", f"{tmp_path}/checkpoint")
    written = spark.read.format("kafka").options(**options).option("subscribe", "copy").load()

    query = writer.trigger(continuous="1 second").start()
    try:
        while b"copied" not in {bytes(row.value) for row in written.collect()}:
            assert query.isActive, query.exception()
    finally:
        query.stop()


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("ssl", {"keystore": "file:{folder}/intruder.pem"}, "bad_certificate"),
        ("ssl", {"keystore": ""}, "bad_certificate"),
        ("ssl", {"truststore": "file:{folder}/stranger.crt"}, NO_PATH),
        ("ssl", {"truststore": ""}, NO_PATH),
        ("locked", {"key_password": "hidden"}, "Given final block not properly padded"),
        ("plain", {"password": "hidden"}, "Authentication failed: Invalid username or password"),
        ("token", {"password": "hidden"}, "The response code 401"),
    ],
)
def test_a_wrong_login_is_refused(spark, folder, way, name, changed, reason):
    """The error has the reason, names the table and the variable, and shows no secret."""
    changed = {key: text.format(folder=folder) for key, text in changed.items()}
    kafka = Source(**way[name] | changed)

    with pytest.raises(SetupError, match=reason) as caught:
        require_topics(spark, kafka, [TOPIC])

    message = str(caught.value)
    assert f"refuses the job, or gives no answer to security {kafka.security}: " in message
    assert message.endswith("Correct [source] or its secrets, such as STREAM__SOURCE__PASSWORD.")
    assert "hidden" not in message
    assert AWKWARD not in message
