<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Notice;

use Magento\Framework\AuthorizationInterface;
use Magento\Framework\Escaper;
use Magento\Framework\Notification\MessageInterface;
use Magento\Framework\Phrase;
use Magento\Framework\UrlInterface;
use Upline\Commission\Model\Connection;

/**
 * Something that an admin has to mend, told on every page of the admin.
 */
abstract class Notice implements MessageInterface
{
    /**
     * @param Connection $connection
     * @param AuthorizationInterface $authorization
     * @param UrlInterface $url
     * @param Escaper $escaper
     */
    public function __construct(
        protected readonly Connection $connection,
        private readonly AuthorizationInterface $authorization,
        private readonly UrlInterface $url,
        private readonly Escaper $escaper
    ) {
    }

    /**
     * Whether it holds for any of the connections, of which there is one at least.
     *
     * @param Connection[] $connections
     * @return bool
     */
    abstract protected function holds(array $connections): bool;

    /**
     * What it says.
     *
     * @return Phrase
     */
    abstract protected function sentence(): Phrase;

    /**
     * @inheritDoc
     */
    public function getIdentity(): string
    {
        return hash('sha256', static::class);
    }

    /**
     * @inheritDoc
     */
    public function isDisplayed(): bool
    {
        if (!$this->authorization->isAllowed('Upline_Commission::view')) {
            return false;
        }
        $connections = array_filter(
            $this->connection->all(),
            static fn (Connection $connection): bool => $connection->isConnected()
        );
        return $connections && $this->holds($connections);
    }

    /**
     * @inheritDoc
     */
    public function getText(): string
    {
        return '<strong>Upline:</strong> ' . $this->escaper->escapeHtml((string) $this->sentence())
            . ' <a href="' . $this->escaper->escapeUrl($this->url->getUrl('upline/status/index')) . '">'
            . $this->escaper->escapeHtml((string) __('See the status')) . '</a>';
    }

    /**
     * @inheritDoc
     */
    public function getSeverity(): int
    {
        return self::SEVERITY_MAJOR;
    }
}
