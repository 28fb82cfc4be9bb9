<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Upline\Commission\Domain\Answer;
use Upline\Commission\Domain\Module;
use Upline\Commission\Domain\Signature;

/**
 * Talks to the server of a connection, by docs/plugin-protocol.md.
 */
class Server
{
    /**
     * Seconds for the connection alone.
     */
    private const CONNECT = 2.0;

    /**
     * @param TransportInterface $transport
     * @param Connection $connection
     * @param Clock $clock
     */
    public function __construct(
        private readonly TransportInterface $transport,
        private readonly Connection $connection,
        private readonly Clock $clock
    ) {
    }

    /**
     * One of the calls of section 3, such as "status", signed.
     *
     * @param string $call its name
     * @param array<string, mixed> $request its members
     * @param float $timeout seconds
     * @param Connection|null $connection null for that of all websites
     * @return Response of status 0 where it is not connected
     */
    public function call(
        string $call,
        array $request = [],
        float $timeout = 3.0,
        ?Connection $connection = null
    ): Response {
        $connection ??= $this->connection;
        if (!$connection->isConnected()) {
            return new Response(0, '', (string) __('This shop is not connected to Upline.'));
        }
        $body = self::json([
            'type' => $call, 'version' => Module::PROTOCOL, 'site' => $connection->get('site'),
        ] + $request);
        $url = $connection->get('api_url') . '/' . rawurlencode($call);
        return $this->post([['url' => $url, 'body' => $body, 'id' => '']], $timeout, $connection)[0];
    }

    /**
     * Posts signed bodies, all at once, and once more where our clock was off.
     *
     * @param array<array-key, array{url: string, body: string, id: string}> $messages id '' for a fresh one
     * @param float $timeout seconds for each
     * @param Connection $connection whose secret signs
     * @param float $connect seconds for the connection
     * @return array<array-key, Response> under the same keys
     */
    public function post(
        array $messages,
        float $timeout,
        Connection $connection,
        float $connect = self::CONNECT
    ): array {
        $responses = $this->attempt($messages, $timeout, $connection, $connect);
        $again = [];
        foreach ($responses as $key => $response) {
            if (Answer::decide($response->status, $response->field) === Answer::CLOCK) {
                $again[$key] = $messages[$key];
                $time = $response;
            }
        }
        if ($again && $this->takeOverTime($time, $connection)) {
            $responses = array_replace($responses, $this->attempt($again, $timeout, $connection, $connect));
        }
        return $responses;
    }

    /**
     * Posts JSON that is not signed, as there is no secret yet: a claim.
     *
     * @param string $url
     * @param array<string, mixed> $request
     * @param float $timeout seconds
     * @return Response
     */
    public function unsigned(string $url, array $request, float $timeout = 15.0): Response
    {
        return $this->transport->send([
            new Request($url, self::json($request), $this->headers(), self::CONNECT, $timeout),
        ])[0];
    }

    /**
     * Unix seconds by the server's clock, as far as we know it.
     *
     * @param Connection $connection
     * @return int
     */
    public function now(Connection $connection): int
    {
        return $this->clock->now() + (int) $connection->state('clock_offset');
    }

    /**
     * JSON as it is sent: one line, slashes and letters as they are.
     *
     * @param array<string, mixed> $value
     * @return string
     */
    // phpcs:ignore Magento2.Functions.StaticFunction -- pure, and the bytes that are signed.
    public static function json(array $value): string
    {
        return json_encode(
            $value,
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE
        );
    }

    /**
     * One attempt.
     *
     * @param array<array-key, array{url: string, body: string, id: string}> $messages
     * @param float $timeout
     * @param Connection $connection
     * @param float $connect
     * @return array<array-key, Response>
     */
    private function attempt(array $messages, float $timeout, Connection $connection, float $connect): array
    {
        $secret = $connection->get('secret');
        $now = $this->now($connection);
        $requests = [];
        foreach ($messages as $key => $message) {
            $id = $message['id'] === '' ? 'msg_' . bin2hex(random_bytes(16)) : $message['id'];
            $headers = $this->headers() + Signature::headers($secret, $id, $now, $message['body']);
            $requests[$key] = new Request($message['url'], $message['body'], $headers, $connect, $timeout);
        }
        return $this->transport->send($requests);
    }

    /**
     * Headers of every request.
     *
     * @return array<string, string>
     */
    private function headers(): array
    {
        return ['User-Agent' => 'Upline-for-Magento/' . Module::VERSION];
    }

    /**
     * Takes over the server's time.
     *
     * @param Response $response
     * @param Connection $connection
     * @return bool whether it named a time
     */
    private function takeOverTime(Response $response, Connection $connection): bool
    {
        $at = strtotime((string) ($response->data['server_time'] ?? ''));
        if ($at === false) {
            return false;
        }
        $connection->remember(['clock_offset' => $at - $this->clock->now()]);
        return true;
    }
}
