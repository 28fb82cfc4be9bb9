<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

// phpcs:disable Magento2.Functions.DiscouragedFunction -- Magento's own client closes the connection after each call.

/**
 * Sends over connections that stay open between calls, several at once. Redirects are never followed, and an answer of
 * more than a megabyte is cut: it is none of an Upline server.
 */
class CurlTransport implements TransportInterface
{
    private const MOST_BYTES = 1048576;

    /**
     * @var \CurlMultiHandle|null
     */
    private ?\CurlMultiHandle $multi = null;

    /**
     * @var string[]
     */
    private array $bodies = [];

    /**
     * @var string[]
     */
    private array $waits = [];

    /**
     * @inheritDoc
     */
    public function send(array $requests): array
    {
        $this->multi ??= curl_multi_init();
        $this->bodies = $this->waits = [];
        $handles = [];
        foreach ($requests as $key => $request) {
            $handles[$key] = $this->handle((string) $key, $request);
            curl_multi_add_handle($this->multi, $handles[$key]);
        }
        $faults = $this->run();
        $responses = [];
        foreach ($handles as $key => $handle) {
            $responses[$key] = $this->response((string) $key, $handle, $faults[spl_object_id($handle)] ?? CURLE_OK);
            curl_multi_remove_handle($this->multi, $handle);
        }
        return $responses;
    }

    /**
     * Runs until all have ended.
     *
     * @return array<int, int> cURL's codes by object id
     */
    private function run(): array
    {
        $faults = [];
        do {
            $state = curl_multi_exec($this->multi, $running);
            if ($running > 0 && $state === CURLM_OK && curl_multi_select($this->multi, 0.2) === -1) {
                usleep(1000);
            }
            while ($done = curl_multi_info_read($this->multi)) {
                $faults[spl_object_id($done['handle'])] = $done['result'];
            }
        } while ($running > 0 && $state === CURLM_OK);
        return $faults;
    }

    /**
     * A request as cURL wants it.
     *
     * @param string $key
     * @param Request $request
     * @return \CurlHandle
     */
    private function handle(string $key, Request $request): \CurlHandle
    {
        $headers = ['Content-Type: application/json', 'Accept: application/json', 'Expect:'];
        foreach ($request->headers as $name => $value) {
            $headers[] = $name . ': ' . $value;
        }
        $this->bodies[$key] = $this->waits[$key] = '';
        $handle = curl_init($request->url);
        curl_setopt_array($handle, [
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $request->body,
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_CONNECTTIMEOUT_MS => (int) ($request->connect * 1000),
            CURLOPT_TIMEOUT_MS => (int) ($request->total * 1000),
            CURLOPT_WRITEFUNCTION => function ($handle, string $part) use ($key): int {
                $this->bodies[$key] .= $part;
                return strlen($this->bodies[$key]) > self::MOST_BYTES ? -1 : strlen($part);
            },
            CURLOPT_HEADERFUNCTION => function ($handle, string $line) use ($key): int {
                if (stripos($line, 'retry-after:') === 0) {
                    $this->waits[$key] = trim(substr($line, 12));
                }
                return strlen($line);
            },
        ]);
        return $handle;
    }

    /**
     * What came back.
     *
     * @param string $key
     * @param \CurlHandle $handle
     * @param int $fault cURL's code
     * @return Response
     */
    private function response(string $key, \CurlHandle $handle, int $fault): Response
    {
        if ($fault !== CURLE_OK) {
            $detail = curl_error($handle);
            return new Response(0, '', $detail === '' ? (string) curl_strerror($fault) : $detail);
        }
        $status = (int) curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
        return Response::read($status, $this->bodies[$key], $this->waits[$key]);
    }
}
