<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Store\Model\ScopeInterface;
use Upline\Commission\Domain\Snapshot;

/**
 * Tells the server that the shop is here and how much waits; the server alarms when that stops.
 */
class Heartbeat
{
    private const TIME_ZONE = 'general/locale/timezone';
    private const CURRENCY = 'currency/options/base';

    /**
     * @param Outbox $outbox
     * @param Server $server
     * @param Versions $versions
     * @param ScopeConfigInterface $config
     * @param Clock $clock
     */
    public function __construct(
        private readonly Outbox $outbox,
        private readonly Server $server,
        private readonly Versions $versions,
        private readonly ScopeConfigInterface $config,
        private readonly Clock $clock
    ) {
    }

    /**
     * Sends it. An answer ends a pause: the server knows us.
     *
     * @param Connection $connection
     * @return Response
     */
    public function send(Connection $connection): Response
    {
        $response = $this->server->call('heartbeat', $this->condition($connection), 10.0, $connection);
        if ($response->status === 200) {
            $connection->remember([
                'last_heartbeat' => $this->clock->now(), 'paused_until' => null, 'pause_reason' => null,
            ]);
        }
        return $response;
    }

    /**
     * How things stand, as the protocol tells it.
     *
     * @param Connection $connection
     * @return array<string, mixed>
     */
    public function condition(Connection $connection): array
    {
        $depth = $this->outbox->depth();
        return [
            'queue_depth' => $depth['depth'],
            'oldest_unsent_at' => Snapshot::time($depth['oldest']),
            'failed' => $depth['parked'],
            'last_error' => (string) $connection->state('last_error'),
            'paused' => $connection->hindrance() !== '',
            'clock' => Snapshot::time($this->clock->now()),
            'versions' => $this->versions->told(),
            'time_zone' => $this->setting(self::TIME_ZONE, $connection),
            'currency' => $this->setting(self::CURRENCY, $connection),
        ];
    }

    /**
     * A setting of the website whose connection it is.
     *
     * @param string $path
     * @param Connection $connection
     * @return string
     */
    private function setting(string $path, Connection $connection): string
    {
        return (string) ($connection->websiteId() === 0
            ? $this->config->getValue($path)
            : $this->config->getValue($path, ScopeInterface::SCOPE_WEBSITE, $connection->websiteId()));
    }
}
