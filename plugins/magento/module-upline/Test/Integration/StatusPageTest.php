<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Integration;

use Magento\TestFramework\TestCase\AbstractBackendController;

/**
 * The status page, and that it takes its permission to see it.
 *
 * @magentoAppArea adminhtml
 * @magentoDbIsolation disabled
 */
class StatusPageTest extends AbstractBackendController
{
    use Connected;

    /**
     * @var string
     */
    protected $resource = 'Upline_Commission::view';

    /**
     * @var string
     */
    protected $uri = 'backend/upline/status/index';

    public function testItSaysThatTheServerDoesNotAnswer(): void
    {
        $this->connect();
        $this->dispatch($this->uri);
        $body = (string) $this->getResponse()->getBody();
        $this->assertStringContainsString('Connected to http://127.0.0.1:9 as shop.', $body);
        $this->assertStringNotContainsString('ups_test', $body, 'No page shows a secret.');
    }
}
