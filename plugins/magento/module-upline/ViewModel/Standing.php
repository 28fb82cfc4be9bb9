<?php

declare(strict_types=1);

namespace Upline\Commission\ViewModel;

use Magento\Framework\View\Element\Block\ArgumentInterface;
use Upline\Commission\Domain\Check;
use Upline\Commission\Model\Clock;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Server;
use Upline\Commission\Model\Status;

/**
 * How every connection stands at this moment: the status page asks each server once.
 */
class Standing implements ArgumentInterface
{
    /**
     * Seconds that the page waits for a server.
     */
    private const PATIENCE = 4.0;

    /**
     * @param Status $status
     * @param Connection $connection
     * @param Server $server
     * @param Clock $clock
     */
    public function __construct(
        private readonly Status $status,
        private readonly Connection $connection,
        private readonly Server $server,
        private readonly Clock $clock
    ) {
    }

    /**
     * The checks by website; 0 is all websites without a connection of their own.
     *
     * @return array<int, array{facts: array<string, string|int|bool>, told: array<string, mixed>, checks: Check[]}>
     */
    public function connections(): array
    {
        $standing = [];
        foreach ($this->connection->all() ?: [$this->connection->of(0)] as $connection) {
            $response = $this->server->call('status', [], self::PATIENCE, $connection);
            $facts = $this->status->ofConnection($connection) + $this->status->facts();
            $standing[$connection->websiteId()] = [
                'facts' => $facts,
                'told' => $response->status === 200 ? $response->data : [],
                'checks' => Check::all($facts, $response->status, $response->detail, $this->clock->now()),
            ];
        }
        return $standing;
    }

    /**
     * What is looked at, in words.
     *
     * @param string $name of a check
     * @return string
     */
    public function name(string $name): string
    {
        return (string) match ($name) {
            'connection' => __('Connection'),
            'signature' => __('Signature'),
            'clock' => __('Clock'),
            'cron' => __('Cron'),
            'backlog' => __('Waiting'),
            default => __('Refused'),
        };
    }

    /**
     * A state, in a word: colour alone says nothing.
     *
     * @param string $state of a check
     * @return string
     */
    public function word(string $state): string
    {
        return (string) match ($state) {
            Check::GOOD => __('OK'),
            Check::WARNING => __('Look'),
            default => __('Mend'),
        };
    }

    /**
     * How it stands, in words.
     *
     * @param Check $check
     * @return string
     */
    public function text(Check $check): string
    {
        $say = static fn (array $sentence): string => (string) __(...$sentence);
        return implode(' ', array_map($say, $check->sentences));
    }

    /**
     * Magento's own class of a state.
     *
     * @param string $state of a check
     * @return string
     */
    public function severity(string $state): string
    {
        return match ($state) {
            Check::GOOD => 'grid-severity-notice',
            Check::WARNING => 'grid-severity-minor',
            default => 'grid-severity-critical',
        };
    }

    /**
     * Facts for whoever helps: no secret, no person.
     *
     * @return string
     */
    public function diagnostics(): string
    {
        $facts = $this->status->facts();
        foreach ($this->connection->all() as $connection) {
            $facts['website ' . $connection->websiteId()] = $this->status->ofConnection($connection);
        }
        return (string) json_encode($facts, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES);
    }
}
