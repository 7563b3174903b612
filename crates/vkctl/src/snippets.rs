//! The snippets of `vkctl connect`, one per client library. Lines that begin with `[tls]` or
//! `[plain]` are for one of the two; `@NAME@` is filled in. No snippet holds a password.

/// A client library and its snippet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// What `--for` takes.
    pub(crate) name: &'static str,
    /// Strings are in single quotes, as PHP and Ruby want them.
    pub(crate) single_quotes: bool,
    pub(crate) template: &'static str,
}

const fn snippet(name: &'static str, template: &'static str) -> Snippet {
    Snippet {
        name,
        single_quotes: false,
        template,
    }
}

/// All that there are.
pub(crate) static SNIPPETS: [Snippet; 13] = [
    snippet("redis-py", REDIS_PY),
    snippet("ioredis", IOREDIS),
    snippet("node-redis", NODE_REDIS),
    snippet("lettuce", LETTUCE),
    snippet("jedis", JEDIS),
    snippet("go-redis", GO_REDIS),
    snippet("celery", CELERY),
    snippet("django", DJANGO),
    Snippet {
        name: "sidekiq",
        single_quotes: true,
        template: SIDEKIQ,
    },
    Snippet {
        name: "phpredis",
        single_quotes: true,
        template: PHPREDIS,
    },
    snippet("valkey-glide", GLIDE),
    snippet("redis-rs", REDIS_RS),
    snippet("StackExchange.Redis", STACK_EXCHANGE),
];

const REDIS_PY: &str = r#"# pip install redis
import os

import redis

client = redis.Redis(
    host=@HOST@,
    port=@PORT@,
    username=@USER@,
    password=os.environ["VALKEY_PASSWORD"],
[tls]    ssl=True,
[tls]    ssl_ca_certs=@CA@,
[tls]    ssl_check_hostname=True,
)
print(client.ping())
"#;

const IOREDIS: &str = r#"// npm install ioredis
[tls]const fs = require("node:fs");
const Redis = require("ioredis");

const client = new Redis({
  host: @HOST@,
  port: @PORT@,
  username: @USER@,
  password: process.env.VALKEY_PASSWORD,
[tls]  tls: { ca: fs.readFileSync(@CA@) },
});
client.ping().then(console.log).finally(() => client.disconnect());
"#;

const NODE_REDIS: &str = r#"// npm install redis; save as a .mjs file
[tls]import { readFileSync } from "node:fs";
import { createClient } from "redis";

const client = createClient({
  username: @USER@,
  password: process.env.VALKEY_PASSWORD,
[tls]  socket: { host: @HOST@, port: @PORT@, tls: true, ca: readFileSync(@CA@) },
[plain]  socket: { host: @HOST@, port: @PORT@ },
});
client.on("error", console.error);
await client.connect();
console.log(await client.ping());
await client.quit();
"#;

const LETTUCE: &str = r#"// io.lettuce:lettuce-core
import io.lettuce.core.*;
[tls]import java.io.File;

public class Example {
    public static void main(String[] args) {
        RedisURI uri = RedisURI.builder()
            .withHost(@HOST@)
            .withPort(@PORT@)
            .withAuthentication(@USER@, System.getenv("VALKEY_PASSWORD").toCharArray())
[tls]            .withSsl(true)
[tls]            .withVerifyPeer(SslVerifyMode.FULL)
            .build();
        RedisClient client = RedisClient.create(uri);
[tls]        client.setOptions(ClientOptions.builder()
[tls]            .sslOptions(SslOptions.builder().trustManager(new File(@CA@)).build())
[tls]            .build());
        System.out.println(client.connect().sync().ping());
        client.shutdown();
    }
}
"#;

const JEDIS: &str = r#"// redis.clients:jedis
[tls]import java.io.*;
[tls]import java.security.KeyStore;
[tls]import java.security.cert.*;
[tls]import javax.net.ssl.*;
import redis.clients.jedis.*;

public class Example {
    public static void main(String[] args) throws Exception {
[tls]        KeyStore trust = KeyStore.getInstance(KeyStore.getDefaultType());
[tls]        trust.load(null, null);
[tls]        try (InputStream in = new FileInputStream(@CA@)) {
[tls]            int number = 0;
[tls]            CertificateFactory factory = CertificateFactory.getInstance("X.509");
[tls]            for (Certificate ca : factory.generateCertificates(in)) {
[tls]                trust.setCertificateEntry("ca" + number++, ca);
[tls]            }
[tls]        }
[tls]        TrustManagerFactory managers =
[tls]            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
[tls]        managers.init(trust);
[tls]        SSLContext tls = SSLContext.getInstance("TLS");
[tls]        tls.init(null, managers.getTrustManagers(), null);
[tls]        SSLParameters parameters = new SSLParameters();
[tls]        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        JedisClientConfig config = DefaultJedisClientConfig.builder()
            .user(@USER@)
            .password(System.getenv("VALKEY_PASSWORD"))
[tls]            .ssl(true)
[tls]            .sslSocketFactory(tls.getSocketFactory())
[tls]            .sslParameters(parameters)
            .build();
        try (JedisPooled client = new JedisPooled(new HostAndPort(@HOST@, @PORT@), config)) {
            System.out.println(client.ping());
        }
    }
}
"#;

const GO_REDIS: &str = r#"// go get github.com/redis/go-redis/v9
package main

import (
	"context"
[tls]	"crypto/tls"
[tls]	"crypto/x509"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
)

func main() {
[tls]	pem, err := os.ReadFile(@CA@)
[tls]	if err != nil {
[tls]		panic(err)
[tls]	}
[tls]	roots := x509.NewCertPool()
[tls]	roots.AppendCertsFromPEM(pem)
	client := redis.NewClient(&redis.Options{
		Addr:     @ADDRESS@,
		Username: @USER@,
		Password: os.Getenv("VALKEY_PASSWORD"),
[tls]		TLSConfig: &tls.Config{RootCAs: roots, ServerName: @HOST@},
	})
	defer client.Close()
	fmt.Println(client.Ping(context.Background()).Result())
}
"#;

const CELERY: &str = r#"# pip install "celery[redis]"
import os
[tls]import ssl
from urllib.parse import quote

from celery import Celery

login = quote(@USER@, safe="") + ":" + quote(os.environ["VALKEY_PASSWORD"], safe="")
url = "@SCHEME@://" + login + "@" + @ADDRESS@ + "/0"
app = Celery("app", broker=url, backend=url)
[tls]tls = {
[tls]    "ssl_cert_reqs": ssl.CERT_REQUIRED,
[tls]    "ssl_ca_certs": @CA@,
[tls]    "ssl_check_hostname": True,
[tls]}
[tls]app.conf.broker_use_ssl = tls
[tls]app.conf.redis_backend_use_ssl = tls
"#;

const DJANGO: &str = r#"# settings.py; pip install redis
import os

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "@SCHEME@://" + @ADDRESS@ + "/0",
        "OPTIONS": {
            "username": @USER@,
            "password": os.environ["VALKEY_PASSWORD"],
[tls]            "ssl_ca_certs": @CA@,
[tls]            "ssl_check_hostname": True,
        },
    }
}
"#;

const SIDEKIQ: &str = r#"# config/initializers/sidekiq.rb
server = {
  url: '@SCHEME@://' + @ADDRESS@ + '/0',
  username: @USER@,
  password: ENV.fetch('VALKEY_PASSWORD'),
[tls]  ssl_params: { ca_file: @CA@, verify_mode: OpenSSL::SSL::VERIFY_PEER }
}
Sidekiq.configure_server { |config| config.redis = server }
Sidekiq.configure_client { |config| config.redis = server }
"#;

const PHPREDIS: &str = r#"<?php // pecl install redis
$client = new Redis();
[tls]$client->connect('tls://' . @URLHOST@, @PORT@, 3.0, null, 0, 0, [
[plain]$client->connect(@HOST@, @PORT@, 3.0, null, 0, 0, [
    'auth' => [@USER@, getenv('VALKEY_PASSWORD')],
[tls]    'stream' => ['cafile' => @CA@, 'verify_peer_name' => true, 'peer_name' => @HOST@],
]);
var_dump($client->ping());
"#;

const GLIDE: &str = r#"# pip install valkey-glide
import asyncio
import os
[tls]from pathlib import Path

from glide import (
[tls]    AdvancedGlideClientConfiguration,
    GlideClient,
    GlideClientConfiguration,
    NodeAddress,
    ServerCredentials,
[tls]    TlsAdvancedConfiguration,
)


async def main():
    config = GlideClientConfiguration(
        [NodeAddress(@HOST@, @PORT@)],
        credentials=ServerCredentials(
            username=@USER@, password=os.environ["VALKEY_PASSWORD"]
        ),
[tls]        use_tls=True,
[tls]        advanced_config=AdvancedGlideClientConfiguration(
[tls]            tls_config=TlsAdvancedConfiguration(
[tls]                root_pem_cacerts=Path(@CA@).read_bytes()
[tls]            )
[tls]        ),
    )
    client = await GlideClient.create(config)
    print(await client.ping())
    await client.close()


asyncio.run(main())
"#;

const REDIS_RS: &str = r#"[tls]// cargo add redis@0.32 --features tls-rustls
[plain]// cargo add redis@0.32
use redis::IntoConnectionInfo;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = format!("@SCHEME@://{}/", @ADDRESS@);
    let mut server = url.into_connection_info()?;
    server.redis.username = Some(@USER@.to_owned());
    server.redis.password = Some(std::env::var("VALKEY_PASSWORD")?);
[tls]    let ca = Some(std::fs::read(@CA@)?);
[tls]    let tls = redis::TlsCertificates { client_tls: None, root_cert: ca };
[tls]    let client = redis::Client::build_with_tls(server, tls)?;
[plain]    let client = redis::Client::open(server)?;
    let pong: String = redis::cmd("PING").query(&mut client.get_connection()?)?;
    println!("{pong}");
    Ok(())
}
"#;

const STACK_EXCHANGE: &str = r#"// dotnet add package StackExchange.Redis
using StackExchange.Redis;

var options = new ConfigurationOptions
{
    EndPoints = { { @HOST@, @PORT@ } },
    User = @USER@,
    Password = Environment.GetEnvironmentVariable("VALKEY_PASSWORD"),
[tls]    Ssl = true,
[tls]    SslHost = @HOST@,
};
[tls]options.TrustIssuer(@CA@);
var client = await ConnectionMultiplexer.ConnectAsync(options);
Console.WriteLine(await client.GetDatabase().PingAsync());
"#;
